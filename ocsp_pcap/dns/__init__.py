"""DNS: messages to questions and answers."""
