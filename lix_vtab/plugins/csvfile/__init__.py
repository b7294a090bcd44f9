"""plugin_csv: tables in CSV and TSV files."""
