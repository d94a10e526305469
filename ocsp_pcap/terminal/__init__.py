"""Text that is safe to print, and how sheets and tables of it get onto a console."""
