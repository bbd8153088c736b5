"""What a terminal sends, made fit for Textual, where Textual 8.2.8 misreads it."""
