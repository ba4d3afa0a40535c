// SPDX-License-Identifier: MIT

// What does a number to another goroutine and back cost when all Ps have slept? Before each
// there is a millisecond in which nothing happens, which is not timed.
package main

import (
	"time"

	"../meter"
)

const pause = time.Millisecond

func echo(there, back chan int) {
	for number := range there {
		back <- number
	}
}

func main() {
	// Of the clock in any case: it is a question of waiting.
	meter.RunTimed("asleep", meter.Ops(400, 1), 1, func(ops int) time.Duration {
		there, back := make(chan int), make(chan int)
		go echo(there, back)
		spent := time.Duration(0)
		for i := 1; i <= ops; i++ {
			time.Sleep(pause)
			start := time.Now()
			there <- i
			meter.Check(<-back == i, "the echo is wrong")
			spent += time.Since(start)
		}
		close(there)
		return spent
	})
}
