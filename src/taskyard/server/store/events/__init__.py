"""What tasks report: consoles, curves, plots and images, packed and read back."""
