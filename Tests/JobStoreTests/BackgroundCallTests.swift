import Glibc
import Testing

@testable import JobStore

@Suite struct BackgroundCallTests {
    @Test func `a call is made once, on a thread of its own, and ends before who forgets it`() {
        let here = pthread_self()
        var count = 0
        do {
            let call = BackgroundCall { () -> Bool in
                count += 1
                return pthread_equal(pthread_self(), here) == 0
            }
            #expect(call.wait())
            #expect(call.wait())
            #expect(count == 1)
        }
        for _ in 0..<200 {
            _ = BackgroundCall { count += 1 }
        }
        #expect(count == 201)
    }
}
