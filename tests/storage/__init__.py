"""Storage as seen from outside: crashes, processes, growth."""
