<?php
/** The tag in the page's head, and what our script in its foot has to tell. */

defined( 'ABSPATH' ) || exit;

/** The page's hooks. */
function kartoteka_hook_tag() {
	kartoteka_on( 'wp_head', 'kartoteka_print_tag', 2 );
	kartoteka_on( 'wp_enqueue_scripts', 'kartoteka_enqueue' );
	kartoteka_on( 'wp_footer', 'kartoteka_print_page', 5 );
}

/**
 * The snippet, asynchronous. `told` is the pattern of those events of the page's data layer that this plugin tells
 * itself, so that they are not told twice. Both lines go through WordPress' own printers, which carry a nonce of the
 * shop's content security policy where there is one.
 */
function kartoteka_print_tag() {
	if ( class_exists( 'WooCommerce' ) ) {
		$orders = kartoteka_tells_orders() ? '|purchase|refund' : '';
		wp_print_inline_script_tag( "(window.kartoteka=window.kartoteka||[]).told=/^(view_?item|view_?cart|add_?to_?cart|remove_?from_?cart|begin_?checkout$orders)$/i" );
	}
	wp_print_script_tag(
		array(
			'async' => true,
			'src'   => esc_url( kartoteka_hub( kartoteka_setting( 'hub' ) ) . '/k/' . rawurlencode( kartoteka_setting( 'site_key' ) ) . '.js' ),
		)
	);
}

/** Our own script, from the shop's own server. */
function kartoteka_enqueue() {
	wp_enqueue_script( 'kartoteka', plugins_url( 'kartoteka.js', KARTOTEKA_FILE ), array(), KARTOTEKA_VERSION, true );
}

/** What happened on this page. Data only: the browser never runs it, and nothing in it depends on who is looking. */
function kartoteka_print_page() {
	$events = function_exists( 'kartoteka_page_events' ) && class_exists( 'WooCommerce' ) ? kartoteka_page_events() : array();
	$waited = class_exists( 'WooCommerce' ) ? kartoteka_take_noted() : array();
	if ( $waited && ! defined( 'DONOTCACHEPAGE' ) ) {
		define( 'DONOTCACHEPAGE', true ); // these were this visitor's own
	}
	$page = array(
		'ask'     => admin_url( 'admin-ajax.php' ),
		'consent' => kartoteka_setting( 'consent' ),
		'events'  => array_merge( $events, $waited ),
	);
	echo '<script type="application/json" id="kartoteka-page">', kartoteka_page_json( $page ), "</script>\n"; // phpcs:ignore WordPress.Security.EscapeOutput
}
