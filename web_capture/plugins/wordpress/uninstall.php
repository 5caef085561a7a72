<?php
/** Leaves nothing behind: settings, waiting messages, jobs, and the browser's id that was kept with orders. */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

global $wpdb;

delete_option( 'kartoteka' );
delete_option( 'kartoteka_since' );
$kartoteka_names = $wpdb->get_col( $wpdb->prepare( "SELECT option_name FROM {$wpdb->options} WHERE option_name LIKE %s", $wpdb->esc_like( 'kartoteka_q_' ) . '%' ) );
array_map( 'delete_option', $kartoteka_names );
wp_unschedule_hook( 'kartoteka_deliver' );
if ( function_exists( 'as_unschedule_all_actions' ) ) {
	as_unschedule_all_actions( 'kartoteka_deliver' );
}

$kartoteka_orders = $wpdb->prefix . 'wc_orders_meta';
foreach ( array( '_kartoteka_device', '_kartoteka_refused', '_kartoteka_told' ) as $kartoteka_key ) {
	delete_post_meta_by_key( $kartoteka_key );
	if ( $wpdb->get_var( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $kartoteka_orders ) ) ) === $kartoteka_orders ) {
		$wpdb->delete( $kartoteka_orders, array( 'meta_key' => $kartoteka_key ) );
	}
}
