// Functions without a body, in upstream.go, need a file of assembly beside them.
