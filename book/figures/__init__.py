"""Which function draws which figure of the book.

Chapters say ``from figures import bad_kkt as figures``; ``bad_kkt: escape_proof`` is the function
``escape_proof`` of ``bad_kkt.py``, and ``plots`` is `lowrot.plots`, for figures of any run.

Fig. 1   index: three_regimes
Fig. 2   margins: best_regions
Fig. 3   margins: margin_sets
Fig. 4   margins: network_certificates
Fig. 5   margins: margins_against_d
Fig. 6   flow: smoothed_margins
Fig. 7   flow: plots.convergence
Fig. 8   flow: plots.sliding_neurons
Fig. 9   flow: plots.convergence
Fig. 10  flow: plots.convergence
Fig. 11  flow: steps_taken
Fig. 12  near_init_sgd: sgd_at_a_glance
Fig. 13  near_init_sgd: used_fractions
Fig. 14  near_init_sgd: plots.bounds
Fig. 15  near_init_sgd: error_curves
Fig. 16  near_init_sgd: power_laws
Fig. 17  near_init_sgd: held_fractions
Fig. 18  near_init_sgd: bounds_on_error
Fig. 19  near_init_flow: flow_at_a_glance
Fig. 20  near_init_flow: margin_gained
Fig. 21  near_init_flow: plots.bounds
Fig. 22  near_init_flow: against_width
Fig. 23  near_init_flow: held_fractions
Fig. 24  near_init_flow: held_fractions
Fig. 25  near_init_flow: margins_in_time
Fig. 26  near_init_flow: rates
Fig. 27  near_init_flow: against_width
Fig. 28  bad_kkt: plots.scrubber
Fig. 29  bad_kkt: escape_trajectories
Fig. 30  bad_kkt: escape_proof
Fig. 31  bad_kkt: margins_by_angle
Fig. 32  bad_kkt: outcome_shares
Fig. 33  bad_kkt: plots.decision_regions
Fig. 34  bad_kkt: outcome_shares
Fig. 35  neural_collapse: plots.scrubber
Fig. 36  neural_collapse: good_directions
Fig. 37  neural_collapse: collapse_bounds
Fig. 38  neural_collapse: rotation_and_share
Fig. 39  neural_collapse: collapse_lines
Fig. 40  neural_collapse: missing_groups
Fig. 41  neural_collapse: errors_by_groups
Fig. 42  neural_collapse: products
Fig. 43  no_rotation: masses
Fig. 44  no_rotation: masses
Fig. 45  no_rotation: bounds
Fig. 46  no_rotation: widths
Fig. 47  no_rotation: relevant_mass
Fig. 48  no_rotation: proof_lines
"""
