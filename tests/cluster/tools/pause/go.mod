module taskmaster.test/tools/pause

go 1.24
