"""What the lessons share: navigation, charts, components, and small helpers. Nothing here computes on models."""
