"""A worker's keys: CURVE, ZeroMQ's encryption, with certificates as dip-coord keygen makes them."""
from zmq.auth import load_certificate


def encrypt(socket, folder):
    """Makes a socket encrypt and know its coordinator; without a folder it does neither."""
    if folder:
        socket.curve_publickey, socket.curve_secretkey = load_certificate(
            f"{folder}/worker.key_secret")
        socket.curve_serverkey, _ = load_certificate(f"{folder}/coordinator.key")
