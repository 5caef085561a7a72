<?php
/**
 * Plugin Name: Kartoteka
 * Description: Visits, carts, sign-ins and orders of this shop, on the customer's card in your own Kartoteka.
 * Version: 1.0.0
 * Requires at least: 5.8
 * Requires PHP: 7.4
 * License: AGPL-3.0-or-later
 * License URI: https://www.gnu.org/licenses/agpl-3.0.html
 * Text Domain: kartoteka
 * WC requires at least: 7.2
 */

defined( 'ABSPATH' ) || exit;

const KARTOTEKA_VERSION = '1.0.0';
const KARTOTEKA_FILE    = __FILE__;

require_once __DIR__ . '/includes/settings.php';
require_once __DIR__ . '/includes/messages.php';
require_once __DIR__ . '/includes/sending.php';
require_once __DIR__ . '/includes/tag.php';
require_once __DIR__ . '/includes/people.php';
require_once __DIR__ . '/includes/cart.php';
require_once __DIR__ . '/includes/orders.php';

register_activation_hook( __FILE__, 'kartoteka_activate' );
add_action( 'before_woocommerce_init', 'kartoteka_declare' );
add_action( 'plugins_loaded', 'kartoteka_start' );

/** Orders from before this moment are not told of. */
function kartoteka_activate() {
	add_option( 'kartoteka_since', time() );
}

/** WooCommerce's order tables and block checkout are fine with us. */
function kartoteka_declare() {
	if ( class_exists( '\Automattic\WooCommerce\Utilities\FeaturesUtil' ) ) {
		\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'custom_order_tables', __FILE__, true );
		\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'cart_checkout_blocks', __FILE__, true );
	}
}

/** Hook in; the shop's part only where WooCommerce is. */
function kartoteka_start() {
	add_filter( 'wp_consent_api_registered_' . plugin_basename( __FILE__ ), '__return_true' );
	if ( is_admin() ) {
		require_once __DIR__ . '/includes/settings-page.php';
		kartoteka_hook_settings_page();
	}
	if ( ! kartoteka_ready() ) {
		return;
	}
	kartoteka_hook_tag();
	kartoteka_hook_people();
	kartoteka_hook_sending();
	if ( class_exists( 'WooCommerce' ) ) {
		kartoteka_hook_cart();
		kartoteka_hook_orders();
	}
}
