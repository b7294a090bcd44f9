"""What lix_vtab offers to tests."""
