// SPDX-License-Identifier: MIT

// What does a round trip between two goroutines cost, over two unbuffered channels?
package main

import "../meter"

func echo(in, out chan int64) {
	for v := range in {
		out <- v
	}
}

func main() {
	meter.Run("pingpong", meter.Ops(500000, 1), 1, func(ops int) {
		there := make(chan int64)
		back := make(chan int64)
		go echo(there, back)
		total := int64(0)
		for i := int64(0); i < int64(ops); i++ {
			there <- i
			total += <-back
		}
		close(there)
		meter.Check(total == int64(ops)*int64(ops-1)/2, "the echo is wrong")
	})
}
