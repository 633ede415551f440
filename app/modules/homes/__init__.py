"""Parts of households' records that several registers declare: house, safety, assurance.

Each part is a mixin of fields; a register derives from it and arranges its names in sections.
"""
