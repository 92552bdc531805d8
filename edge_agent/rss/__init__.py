"""Location from received power alone: numpy and nothing but the rest of the agent.

    packets --receptions.py--> (time, transmitter, dBm) --window.py--> mean RSS
            --fingerprints.py--> Fig. 3 of the paper --network.py--> location

Reading order: fingerprints, network, radiotap, receptions, window, shots, calibration.
"""
