// SPDX-License-Identifier: MIT

// What do a lock and an unlock cost when `size` goroutines do nothing but that to one
// mutex?
package main

import (
	"sync"

	"../meter"
)

type counter struct {
	lock  sync.Mutex
	value int64
	done  sync.WaitGroup
}

func count(c *counter, times int) {
	for i := 0; i < times; i++ {
		c.lock.Lock()
		c.value++
		c.lock.Unlock()
	}
	c.done.Done()
}

func main() {
	size := meter.Size(1)
	meter.Run("mutex", meter.Ops(2000000, size), size, func(ops int) {
		var c counter
		c.done.Add(size)
		for i := 0; i < size; i++ {
			go count(&c, ops/size)
		}
		c.done.Wait()
		meter.Check(c.value == int64(ops), "the lock did not exclude")
	})
}
