// SPDX-License-Identifier: MIT

// What does a select of two empty channels and a default cost?
package main

import "../meter"

func main() {
	a := make(chan int64, 1)
	b := make(chan int64, 1)
	meter.Run("select_default", meter.Ops(2000000, 1), 1, func(ops int) {
		idle := 0
		for i := 0; i < ops; i++ {
			select {
			case <-a:
			case <-b:
			default:
				idle++
			}
		}
		meter.Check(idle == ops, "an empty channel was ready")
	})
}
