// SPDX-License-Identifier: MIT

// What does a hop cost of a token that goes round in a ring of `size` goroutines, over
// unbuffered channels?
package main

import "../meter"

func node(in, out chan int64, laps int) {
	for i := 0; i < laps; i++ {
		out <- 1 + <-in
	}
}

func main() {
	size := meter.Size(1000)
	meter.Run("ring", meter.Ops(500000, size), size, func(ops int) {
		laps := ops / size
		first := make(chan int64)
		in := first
		for i := 1; i < size; i++ {
			out := make(chan int64)
			go node(in, out, laps)
			in = out
		}
		token := int64(0)
		for i := 0; i < laps; i++ {
			first <- 1 + token
			token = <-in
		}
		meter.Check(token == int64(ops), "the token is wrong")
	})
}
