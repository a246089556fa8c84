"""One archive that runs the suite where there is no network: `make bundle`."""
