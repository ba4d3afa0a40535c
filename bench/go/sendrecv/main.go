// SPDX-License-Identifier: MIT

// What do a send and a receive cost that never wait, one after the other in one
// goroutine?
package main

import "../meter"

func main() {
	ch := make(chan int64, 128)
	meter.Run("sendrecv", meter.Ops(3000000, 1), 1, func(ops int) {
		total := int64(0)
		for i := int64(0); i < int64(ops); i++ {
			ch <- i
			total += <-ch
		}
		meter.Check(total == int64(ops)*int64(ops-1)/2, "elements were lost")
	})
}
