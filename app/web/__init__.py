"""Pages: views made from a register, forms, menu, templates."""
