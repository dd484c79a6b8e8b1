//! Integration tests: the thing itself, over real sockets.
