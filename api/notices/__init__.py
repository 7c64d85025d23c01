"""What people are told of approvals, by mail and in chat: a step writes a row, the relay makes its text and sends it, at least once."""
