module antiphon/bench/peers/go

go 1.19
