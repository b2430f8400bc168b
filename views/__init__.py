"""HTTP in, HTML out: one blueprint per menu entry. A view is who may, what, show; no SQL, no requests."""
