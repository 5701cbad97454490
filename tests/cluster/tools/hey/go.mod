module taskmaster.test/tools/hey

require golang.org/x/net v0.48.0

require (
	github.com/rakyll/hey v0.1.5
	golang.org/x/text v0.33.0
)

go 1.24.0
