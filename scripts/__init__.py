"""What is run on a clone by hand or by make: generated pages, locks, checks of what is shipped."""
