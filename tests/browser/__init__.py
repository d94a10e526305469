"""The page in a browser: headless Chromium, driven by Playwright; axe-core and Mermaid come from npm."""
