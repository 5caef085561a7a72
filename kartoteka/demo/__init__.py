"""An invented but lifelike company: its people, its shop on loopback, and the live stream of its webhooks."""
