"""Statistics by division, drill-down, charts, desk."""
