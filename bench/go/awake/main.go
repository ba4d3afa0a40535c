// SPDX-License-Identifier: MIT

// What does a number to another goroutine and back cost while both Ps are awake? The other
// looks again and again whether there is one, so it keeps its P; this one waits for the answer.
package main

import "../meter"

func poll(there, back chan int) {
	for {
		select {
		case number, isOpen := <-there:
			if !isOpen {
				return
			}
			back <- number
		default:
		}
	}
}

func main() {
	meter.Run("awake", meter.Ops(50000, 1), 1, func(ops int) {
		there, back := make(chan int, 1), make(chan int, 1)
		go poll(there, back)
		total := 0
		for i := 0; i < ops; i++ {
			there <- i
			total += <-back
		}
		close(there)
		meter.Check(total == ops*(ops-1)/2, "the echo is wrong")
	})
}
