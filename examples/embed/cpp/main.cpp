// SPDX-License-Identifier: MIT
//
// lagoon in C++17: goroutines from lambdas, a channel with a type, both freed by their owners.
//
//   c++ -std=c++17 main.cpp $(pkg-config --cflags --libs lagoon) && ./a.out
//
// The sums of squares below some numbers, computed on all cores while the loop goes on.
#include <lagoon.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>

namespace
{

void check(int err)
{
    if (err != LG_OK) {
        throw std::runtime_error(lg_strerror(err));
    }
}

class Runtime
{
  public:
    Runtime()
    {
        lg_runtime *rt = nullptr;
        check(lg_open(nullptr, &rt));
        rt_.reset(rt);
    }

    lg_runtime *get() const
    {
        return rt_.get();
    }

    // Exceptions must not leave a goroutine, as they must not leave a thread.
    void go(std::function<void()> body)
    {
        auto owned = std::make_unique<std::function<void()>>(std::move(body));
        check(lg_go(get(), &Runtime::run, owned.get(), nullptr, nullptr));
        owned.release(); // run()'s now
    }

    lg_update_report update(std::chrono::nanoseconds budget)
    {
        lg_update_report report{};
        report.size_bytes = sizeof report;
        check(lg_update(get(), budget.count(), &report));
        return report;
    }

    bool is_busy() const
    {
        return lg_num_goroutine(get()) > 0;
    }

  private:
    struct Close {
        void operator()(lg_runtime *rt) const
        {
            lg_close(rt);
        }
    };

    static void run(void *arg)
    {
        std::unique_ptr<std::function<void()>> body(
            static_cast<std::function<void()> *>(arg));
        (*body)();
    }

    std::unique_ptr<lg_runtime, Close> rt_;
};

template <typename T> class Channel
{
    static_assert(std::is_trivially_copyable_v<T>, "elements are copied as bytes");

  public:
    Channel(const Runtime &runtime, std::size_t cap)
    {
        lg_chan *ch = nullptr;
        check(lg_chan_new(runtime.get(), nullptr, sizeof(T), cap, &ch));
        ch_.reset(ch);
    }

    void send(const T &value)
    {
        check(lg_chan_send(ch_.get(), &value, LG_NEVER));
    }

    // What is there; nothing is waited for.
    std::optional<T> try_recv()
    {
        T value;
        int err = lg_chan_recv(ch_.get(), &value, 0);
        return err == LG_OK ? std::optional<T>(value) : std::nullopt;
    }

  private:
    struct Free {
        void operator()(lg_chan *ch) const
        {
            lg_chan_free(ch);
        }
    };
    std::unique_ptr<lg_chan, Free> ch_;
};

struct Sum {
    std::uint64_t below;
    std::uint64_t sum;
};

Sum sum_of_squares(std::uint64_t below)
{
    Sum result{below, 0};
    for (std::uint64_t i = 0; i < below; i++) {
        result.sum += i * i;
    }
    return result;
}

void play()
{
    constexpr int jobs = 8;
    Runtime runtime;
    Channel<Sum> sums(runtime, jobs);
    for (std::uint64_t i = 1; i <= jobs; i++) {
        runtime.go([&sums, i] { sums.send(sum_of_squares(i * 100000)); });
    }
    std::uint64_t total = 0;
    int frames = 0;
    for (bool busy = true; busy; frames++) {
        busy = runtime.is_busy();
        runtime.update(std::chrono::milliseconds(4));
        while (auto sum = sums.try_recv()) {
            total += sum->sum;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1)); // the display's turn
    }
    std::cout << jobs << " sums, together " << total << ", in " << frames << " frames\n";
}

} // namespace

int main()
{
    try {
        play();
    } catch (const std::exception &error) {
        std::cerr << "sums: " << error.what() << "\n";
        return 1;
    }
}
