// SPDX-License-Identifier: MIT

// What does a yield cost among `size` goroutines that do nothing else?
package main

import (
	"runtime"
	"sync"

	"../meter"
)

func yielder(times int, done *sync.WaitGroup) {
	for i := 0; i < times; i++ {
		runtime.Gosched()
	}
	done.Done()
}

func main() {
	size := meter.Size(2)
	meter.Run("yield", meter.Ops(2000000, size), size, func(ops int) {
		var done sync.WaitGroup
		done.Add(size)
		for i := 0; i < size; i++ {
			go yielder(ops/size, &done)
		}
		done.Wait()
	})
}
