// SPDX-License-Identifier: MIT

// What does an addition to one number cost that `size` goroutines make at once? Go's is an
// integer; the ones that Lua states share are floating-point numbers.
package main

import (
	"sync"
	"sync/atomic"

	"../meter"
)

func add(number *int64, times int, done *sync.WaitGroup) {
	for i := 0; i < times; i++ {
		atomic.AddInt64(number, 1)
	}
	done.Done()
}

func main() {
	size := meter.Size(1)
	meter.Run("atomic", meter.Ops(10000000, size), size, func(ops int) {
		var number int64
		var done sync.WaitGroup
		done.Add(size)
		for i := 0; i < size; i++ {
			go add(&number, ops/size, &done)
		}
		done.Wait()
		meter.Check(number == int64(ops), "additions were lost")
	})
}
