"""Which row is visible: lineage, inheritance, overlay and tombstones, as one SQL builder."""
