"""Files and directories: paths, descriptors, the tree they form, the values their tables take."""
