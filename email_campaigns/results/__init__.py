"""What letters brought: figures of a mailing, compared honestly, drawn, exported."""
