"""The page: all tables and figures of some files as one self-contained HTML file."""
