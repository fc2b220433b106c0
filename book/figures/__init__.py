"""Which function draws which figure of the book.

Chapters say ``from figures import bad_kkt as figures``; ``bad_kkt: escape_proof`` is the function
``escape_proof`` of ``bad_kkt.py``, and ``plots`` is `lowrot.plots`, for figures of any run.

Fig. 1     index: regimes_in_time
Fig. 2     index: global_and_tangent
Fig. 1.1   notation: five_facts
Fig. 2.1   margins: best_regions
Fig. 2.2   margins: margin_sets
Fig. 2.3   margins: network_certificates
Fig. 2.4   margins: margins_against_d
Fig. 3.1   flow: smoothed_margins
Fig. 3.2   flow: step_explorer
Fig. 3.3   flow: plots.convergence
Fig. 3.4   flow: sliding_pair
Fig. 3.5   flow: errors_by_effort
Fig. 3.6   flow: work_precision
Fig. 3.7   flow: steps_taken
Fig. 4.1   near_init_sgd: sgd_at_a_glance
Fig. 4.2   near_init_sgd: used_fractions
Fig. 4.3   near_init_sgd: plots.bounds
Fig. 4.4   near_init_sgd: error_curves
Fig. 4.5   near_init_sgd: power_laws
Fig. 4.6   near_init_sgd: held_fractions
Fig. 4.7   near_init_sgd: bounds_on_error
Fig. 5.1   near_init_flow: flow_at_a_glance
Fig. 5.2   near_init_flow: margin_gained
Fig. 5.3   near_init_flow: plots.bounds
Fig. 5.4   near_init_flow: against_width
Fig. 5.5   near_init_flow: held_fractions
Fig. 5.6   near_init_flow: hypotheses_explorer
Fig. 5.7   near_init_flow: rates
Fig. 6.1   near_init_margin: margins_in_time
Fig. 6.2   near_init_margin: against_width
Fig. 7.1   bad_kkt: plots.scrubber
Fig. 7.2   bad_kkt: escape_trajectories
Fig. 7.3   bad_kkt: escape_proof
Fig. 7.4   bad_kkt: margins_by_angle
Fig. 7.5   bad_kkt: angle_explorer
Fig. 7.6   bad_kkt: outcome_shares
Fig. 7.7   bad_kkt: two_ends
Fig. 7.8   bad_kkt: outcome_shares
Fig. 8.1   neural_collapse: plots.scrubber
Fig. 8.2   neural_collapse: good_directions
Fig. 8.3   neural_collapse: collapse_bounds
Fig. 8.4   neural_collapse: rotation_and_share
Fig. 8.5   neural_collapse: collapse_lines
Fig. 8.6   neural_collapse: missing_groups
Fig. 8.7   neural_collapse: errors_by_groups
Fig. 8.8   neural_collapse: products
Fig. 9.1   no_rotation: masses
Fig. 9.2   no_rotation: masses
Fig. 9.3   no_rotation: bounds
Fig. 9.4   no_rotation: widths
Fig. 9.5   no_rotation: relevant_mass
Fig. 9.6   no_rotation: proof_lines
"""
