module lambkin.dev/lambkintest

go 1.21
