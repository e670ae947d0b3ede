import Testing

@testable import Transport

/// Which address an interface stands for.
@Suite struct InterfaceTests {
    private static let all = [
        NetworkInterface(name: "lo", address: nil),
        NetworkInterface(name: "eth0", address: nil),
        NetworkInterface(name: "ib0", address: nil),
        NetworkInterface(name: "lo", address: "127.0.0.1"),
        NetworkInterface(name: "eth0", address: "fe80::1%eth0"),
        NetworkInterface(name: "eth0", address: "fd00::7"),
        NetworkInterface(name: "eth0", address: "10.0.0.7"),
        NetworkInterface(name: "six", address: "fe80::2%six"),
        NetworkInterface(name: "six", address: "2001:db8::2"),
        NetworkInterface(name: "link", address: "fe80::3%link"),
    ]

    @Test(arguments: [
        ("eth0", AddressFamily.any, "10.0.0.7"), ("eth0", .ipv4, "10.0.0.7"),
        ("eth0", .ipv6, "fd00::7"), ("six", .any, "2001:db8::2"), ("lo", .any, "127.0.0.1"),
    ])
    func `an interface's address is of IPv4 if it has one`(
        name: String, family: AddressFamily, wanted: String
    ) throws {
        #expect(try NetworkInterface.address(of: name, family, among: Self.all) == wanted)
    }

    @Test(arguments: [
        ("eth1", AddressFamily.any, "no interface 'eth1'"), ("", .any, "no interface ''"),
        ("ib0", .any, "ib0 has no address"), ("link", .any, "link has no address"),
        ("six", .ipv4, "no address of IPv4"), ("lo", .ipv6, "no address of IPv6"),
    ])
    func `an interface without such an address is an error that lists what there is`(
        name: String, family: AddressFamily, lack: String
    ) {
        do throws(TransportError) {
            let address = try NetworkInterface.address(of: name, family, among: Self.all)
            Issue.record("'\(name)' has \(address)")
        } catch {
            #expect(error.kind == .badEndpoint)
            #expect(error.message.contains(lack), "\(error)")
            #expect(
                error.message.hasSuffix(
                    "; there are lo (127.0.0.1), eth0 (fe80::1%eth0, fd00::7, 10.0.0.7), "
                        + "ib0 (no address), six (fe80::2%six, 2001:db8::2), link (fe80::3%link)"),
                "\(error)")
        }
    }

    @Test func `this host's loopback is found`() throws {
        #expect(try NetworkInterface.address(of: "lo", .any) == "127.0.0.1")
        #expect(throws: TransportError.self) {
            try NetworkInterface.address(of: "no such interface", .any)
        }
    }

    @Test func `an endpoint keeps its port at another host`() {
        #expect(Endpoint.endpoint("tcp://*:5555", at: "10.0.0.7") == "tcp://10.0.0.7:5555")
        #expect(Endpoint.endpoint("tcp://[::]:*", at: "fd00::7") == "tcp://[fd00::7]:*")
        #expect(Endpoint.endpoint("tcp://0.0.0.0:5", at: "[fd00::7]") == "tcp://[fd00::7]:5")
        #expect(Endpoint.endpoint("ipc:///tmp/x", at: "host") == "ipc:///tmp/x")
    }

    @Test func `endpoints of all addresses are told from those of one`() {
        #expect(Endpoint.allAddresses("tcp://*:5555") == .any)
        #expect(Endpoint.allAddresses("tcp://0.0.0.0:0") == .ipv4)
        #expect(Endpoint.allAddresses("tcp://[::]:0") == .ipv6)
        for endpoint in ["tcp://10.0.0.7:5", "tcp://[::1]:5", "tcp://eth0:5", "ipc:///x", ""] {
            #expect(Endpoint.allAddresses(endpoint) == nil, "\(endpoint)")
        }
    }
}
