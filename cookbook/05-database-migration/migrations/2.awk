BEGIN { FS = OFS = ";"; print "# version 2: first;last;city" }
NR > 1 { split($1, name, " "); print name[1], name[2], $2 }
