"""The SQL shell: APSW's, with lix in it, or lix brought into a running one."""
