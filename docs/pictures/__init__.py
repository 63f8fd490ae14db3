"""The pictures of the site and of the README: docs/screens/*.svg and docs/tour.svg, drawn by `make pictures`."""
