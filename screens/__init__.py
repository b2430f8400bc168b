"""Every page in every state, in a real browser, on phone and desk, light and dark: `make screens`."""
