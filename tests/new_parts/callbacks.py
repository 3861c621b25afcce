from ffnn.callbacks.base import Callback


class EpochCounter(Callback):
    count = 0

    def on_epoch_end(self, epoch, logs):
        self.count += 1

    def get_state(self):
        return {"count": self.count}

    def set_state(self, state):
        self.count = state["count"]
