"""Which function draws which figure of the book.

Chapters say ``from figures import bad_kkt as figures``; ``bad_kkt: escape_proof`` is the function
``escape_proof`` of ``bad_kkt.py``, and ``plots`` is `lowrot.plots`, for figures of any run.

Fig. 1   index: three_regimes
Fig. 2   margins: best_regions
Fig. 3   margins: margin_sets
Fig. 4   margins: network_certificates
Fig. 5   margins: margins_against_d
Fig. 6   flow: smoothed_margins
Fig. 7   flow: step_explorer
Fig. 8   flow: plots.convergence
Fig. 9   flow: sliding_pair
Fig. 10  flow: errors_by_effort
Fig. 11  flow: work_precision
Fig. 12  flow: steps_taken
Fig. 13  near_init_sgd: sgd_at_a_glance
Fig. 14  near_init_sgd: used_fractions
Fig. 15  near_init_sgd: plots.bounds
Fig. 16  near_init_sgd: error_curves
Fig. 17  near_init_sgd: power_laws
Fig. 18  near_init_sgd: held_fractions
Fig. 19  near_init_sgd: bounds_on_error
Fig. 20  near_init_flow: flow_at_a_glance
Fig. 21  near_init_flow: margin_gained
Fig. 22  near_init_flow: plots.bounds
Fig. 23  near_init_flow: against_width
Fig. 24  near_init_flow: held_fractions
Fig. 25  near_init_flow: hypotheses_explorer
Fig. 26  near_init_flow: margins_in_time
Fig. 27  near_init_flow: rates
Fig. 28  near_init_flow: against_width
Fig. 29  bad_kkt: plots.scrubber
Fig. 30  bad_kkt: escape_trajectories
Fig. 31  bad_kkt: escape_proof
Fig. 32  bad_kkt: margins_by_angle
Fig. 33  bad_kkt: angle_explorer
Fig. 34  bad_kkt: outcome_shares
Fig. 35  bad_kkt: two_ends
Fig. 36  bad_kkt: outcome_shares
Fig. 37  neural_collapse: plots.scrubber
Fig. 38  neural_collapse: good_directions
Fig. 39  neural_collapse: collapse_bounds
Fig. 40  neural_collapse: rotation_and_share
Fig. 41  neural_collapse: collapse_lines
Fig. 42  neural_collapse: missing_groups
Fig. 43  neural_collapse: errors_by_groups
Fig. 44  neural_collapse: products
Fig. 45  no_rotation: masses
Fig. 46  no_rotation: masses
Fig. 47  no_rotation: bounds
Fig. 48  no_rotation: widths
Fig. 49  no_rotation: relevant_mass
Fig. 50  no_rotation: proof_lines
"""
