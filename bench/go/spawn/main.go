// SPDX-License-Identifier: MIT

// What does it cost to start a goroutine and see it end, `size` at a time?
package main

import (
	"sync"

	"../meter"
)

func work(done *sync.WaitGroup) {
	done.Done()
}

func main() {
	size := meter.Size(1)
	meter.Run("spawn", meter.Ops(300000, size), size, func(ops int) {
		var done sync.WaitGroup
		for batch := 0; batch < ops/size; batch++ {
			done.Add(size)
			for i := 0; i < size; i++ {
				go work(&done)
			}
			done.Wait()
		}
	})
}
