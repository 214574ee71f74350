from tests.transceiver.test_websocket_call import Driver, Socket
from transceiver.close_reason import CloseReason
from transceiver.websocket_client import WebSocketClient


def test_who_comes_again_as_the_session_ends_is_told_so() -> None:
    driver = Driver()
    driver.call.close(CloseReason.IDLE)
    driver.call.release()
    socket = Socket()
    WebSocketClient(driver.call, returns=True).start(socket)
    assert socket.closed is CloseReason.IDLE
