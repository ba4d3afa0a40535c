// SPDX-License-Identifier: MIT

// What does it cost to run an empty function in a goroutine and to see it end, `size` at a
// time? Each has a channel that tells its end, as a task has.
package main

import "../meter"

func work(done chan struct{}) { close(done) }

func main() {
	size := meter.Size(1)
	meter.Run("task", meter.Ops(100000, size), size, func(ops int) {
		tasks := make([]chan struct{}, size)
		for batch := 0; batch < ops/size; batch++ {
			for i := range tasks {
				tasks[i] = make(chan struct{})
				go work(tasks[i])
			}
			for i := range tasks {
				<-tasks[i]
			}
		}
	})
}
