"""Every row of the comparison, for lix_vtab, its floor and its peers, interleaved in one run."""
